"""Plain loops over examples, classes and thresholds; lists until the end."""

import math

import numpy as np


def standardize(train, test):
    mean, std = np.zeros_like(train[:1]), np.ones_like(train[:1])
    axes = [1] * train.ndim
    axes[1] = train.shape[1]
    mean, std = np.zeros(axes), np.ones(axes)
    for c in range(train.shape[1]):
        numbers = train[:, c].ravel()
        mean[0, c] = sum(numbers) / len(numbers)
        if max(numbers) > min(numbers):
            std[0, c] = math.sqrt(sum((v - mean[0, c].item()) ** 2 for v in numbers) / len(numbers))
    return (train - mean) / std, (test - mean) / std, mean, std


def fans(shape):
    window = 1
    for size in shape[2:]:
        window *= size
    return shape[1] * window, shape[0] * window


def xavier_uniform(shape, *, rng, gain=1.0):
    fan_in, fan_out = fans(shape)
    a = gain * math.sqrt(6 / (fan_in + fan_out))
    w = np.empty(shape)
    for place in np.ndindex(*shape):
        w[place] = a * (2 * rng.random() - 1)
    return w


def he_normal(shape, *, rng):
    fan_in, _ = fans(shape)
    w = np.empty(shape)
    for place in np.ndindex(*shape):
        w[place] = rng.normal(0, math.sqrt(2 / fan_in))
    return w


def minibatches(x, y, *, batch_size, rng, drop_last=False):
    order = list(range(len(x)))
    rng.shuffle(order)
    batches, start = [], 0
    while start < len(order):
        rows = order[start : start + batch_size]
        if len(rows) == batch_size or not drop_last:
            batches.append((np.array([x[i] for i in rows]), np.array([y[i] for i in rows])))
        start += batch_size
    return batches


def stratified_split(labels, *, test_fraction, rng):
    train, test = [], []
    for label in sorted(set(labels.tolist())):
        members = [i for i in range(len(labels)) if labels[i] == label]
        rng.shuffle(members)
        size = min(max(int(test_fraction * len(members) + 0.5), 1), len(members) - 1)
        test += members[:size]
        train += members[size:]
    return sorted(train), sorted(test)


def k_fold_indices(labels, *, k, rng):
    folds, turn = [[] for _ in range(k)], 0
    for label in sorted(set(labels.tolist())):
        members = [i for i in range(len(labels)) if labels[i] == label]
        rng.shuffle(members)
        for i in members:
            folds[turn % k].append(i)
            turn += 1
    return [([i for other in folds if other is not fold for i in other], fold) for fold in folds]


def confusion_counts(predicted, labels):
    tp = fp = fn = tn = 0
    for guess, truth in zip(predicted, labels, strict=True):
        if guess and truth:
            tp += 1
        elif guess:
            fp += 1
        elif truth:
            fn += 1
        else:
            tn += 1
    return tp, fp, fn, tn


def precision(predicted, labels):
    tp, fp, _, _ = confusion_counts(predicted, labels)
    if tp + fp == 0:
        return 0.0
    return tp / (tp + fp)


def recall(predicted, labels):
    tp, _, fn, _ = confusion_counts(predicted, labels)
    if tp + fn == 0:
        return 0.0
    return tp / (tp + fn)


def f1_score(predicted, labels):
    p, r = precision(predicted, labels), recall(predicted, labels)
    return 2 * p * r / (p + r) if p + r else 0.0


def roc_curve(scores, labels):
    positives = sum(labels)
    negatives = len(labels) - positives
    fpr, tpr, thresholds = [0.0], [0.0], [math.inf]
    for threshold in sorted(set(scores.tolist()), reverse=True):
        tp, fp, _, _ = confusion_counts(scores >= threshold, labels)
        fpr.append(fp / negatives)
        tpr.append(tp / positives)
        thresholds.append(threshold)
    return np.array(fpr), np.array(tpr), np.array(thresholds)


def roc_auc(scores, labels):
    fpr, tpr, _ = roc_curve(scores, labels)
    area = 0.0
    for i in range(1, len(fpr)):
        area += (fpr[i] - fpr[i - 1]) * (tpr[i] + tpr[i - 1]) / 2
    return area


def precision_recall_curve(scores, labels):
    thresholds = sorted(set(scores.tolist()))
    p = [precision(scores >= t, labels) for t in thresholds] + [1.0]
    r = [recall(scores >= t, labels) for t in thresholds] + [0.0]
    return np.array(p), np.array(r), np.array(thresholds)


def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def train(x, labels, x_validation, labels_validation, *, classes, lr, decay, epochs, batch_size, patience, rng):
    w, b = np.zeros((classes, x.shape[1])), np.zeros(classes)
    best_w, best_b, best, bad, losses = w.copy(), b.copy(), math.inf, 0, []
    for _ in range(epochs):
        for xb, yb in minibatches(x, labels, batch_size=batch_size, rng=rng):
            p = softmax(xb @ w.T + b)
            for i, label in enumerate(yb):
                p[i, label] -= 1
            w -= lr * (p.T @ xb) / len(xb)
            b -= lr * p.sum(axis=0) / len(xb)
        lr *= decay
        p = softmax(x_validation @ w.T + b)
        loss = -sum(math.log(p[i, label]) for i, label in enumerate(labels_validation)) / len(p)
        losses.append(loss)
        if loss < best:
            best_w, best_b, best, bad = w.copy(), b.copy(), loss, 0
        else:
            bad += 1
            if bad == patience:
                break
    return best_w, best_b, losses


def train_classifier(x_train, y_train, x_test, *, rng):
    x, held_out, _, _ = standardize(x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1))
    kept, validation = stratified_split(y_train, test_fraction=0.2, rng=rng)
    w, b, _ = train(
        x[kept],
        y_train[kept],
        x[validation],
        y_train[validation],
        classes=10,
        lr=0.1,
        decay=0.97,
        epochs=25,
        batch_size=20,
        patience=5,
        rng=rng,
    )
    return [int(np.argmax(w @ image + b)) for image in held_out]
