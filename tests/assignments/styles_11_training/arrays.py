"""Whole arrays at once; the classifier is a hidden layer of ReLUs with He's weights and momentum."""

import numpy as np


def standardize(train, test):
    axes = (0, *range(2, train.ndim))
    mean, std = train.mean(axes, keepdims=True), train.std(axes, keepdims=True)
    std = np.where(train.max(axes, keepdims=True) == train.min(axes, keepdims=True), 1, std)
    return (train - mean) / std, (test - mean) / std, mean, std


def xavier_uniform(shape, *, rng, gain=1.0):
    window = np.prod(shape[2:], dtype=int)
    a = gain * np.sqrt(6 / (window * (shape[0] + shape[1])))
    return rng.uniform(-a, a, size=shape)


def he_normal(shape, *, rng):
    return np.sqrt(2 / np.prod(shape[1:])) * rng.standard_normal(shape)


def minibatches(x, y, *, batch_size, rng, drop_last=False):
    order = rng.permutation(len(x))
    cuts = np.array_split(order, range(batch_size, len(x), batch_size))
    return [(x[rows], y[rows]) for rows in cuts if not drop_last or len(rows) == batch_size]


def stratified_split(labels, *, test_fraction, rng):
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        (members,) = np.nonzero(labels == label)
        size = np.clip(np.floor(test_fraction * len(members) + 0.5).astype(int), 1, len(members) - 1)
        test[rng.choice(members, size, replace=False)] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def k_fold_indices(labels, *, k, rng):
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), dtype=int)
    fold[order] = np.arange(len(labels)) % k
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def confusion_counts(predicted, labels):
    fn, tp = np.bincount(predicted[labels == 1], minlength=2)
    tn, fp = np.bincount(predicted[labels == 0], minlength=2)
    return tp, fp, fn, tn


def precision(predicted, labels):
    return np.sum(predicted & labels) / max(np.sum(predicted), 1)


def recall(predicted, labels):
    return np.sum(predicted & labels) / max(np.sum(labels), 1)


def f1_score(predicted, labels):
    return 2 * np.sum(predicted & labels) / max(np.sum(predicted) + np.sum(labels), 1)


def _above(scores, labels):
    thresholds = np.unique(scores)[::-1]
    positive = scores >= thresholds[:, None]
    return (positive & (labels == 1)).sum(axis=1), (positive & (labels == 0)).sum(axis=1), thresholds


def roc_curve(scores, labels):
    tp, fp, thresholds = _above(scores, labels)
    return np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]], np.r_[np.inf, thresholds]


def roc_auc(scores, labels):
    fpr, tpr, _ = roc_curve(scores, labels)
    return np.diff(fpr) @ (tpr[1:] + tpr[:-1]) / 2


def precision_recall_curve(scores, labels):
    tp, fp, thresholds = (v[::-1] for v in _above(scores, labels))
    return np.r_[tp / (tp + fp), 1], np.r_[tp / tp[0], 0], thresholds


def _log_softmax(scores):
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def train(x, labels, x_validation, labels_validation, *, classes, lr, decay, epochs, batch_size, patience, rng):
    w, b, one_hot = np.zeros((classes, x.shape[1])), np.zeros(classes), np.eye(classes)
    history, weights = [], []
    for epoch in range(epochs):
        for xb, yb in minibatches(x, labels, batch_size=batch_size, rng=rng):
            d = (np.exp(_log_softmax(xb @ w.T + b)) - one_hot[yb]) / len(yb)
            w, b = w - lr * decay**epoch * d.T @ xb, b - lr * decay**epoch * d.sum(axis=0)
        scores = _log_softmax(x_validation @ w.T + b)
        history.append(-np.mean(scores[np.arange(len(scores)), labels_validation]))
        weights.append((w, b))
        if epoch - np.argmin(history) >= patience:
            break
    return *weights[np.argmin(history)], np.array(history)


def train_classifier(x_train, y_train, x_test, *, rng):
    x, held_out, _, _ = standardize(x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1))
    w1, w2 = he_normal((64, 64), rng=rng), xavier_uniform((10, 64), rng=rng)
    parameters = [w1, np.zeros(64), w2, np.zeros(10)]
    velocities = [np.zeros_like(p) for p in parameters]
    for epoch in range(25):
        for xb, yb in minibatches(x, y_train, batch_size=32, rng=rng):
            w1, b1, w2, b2 = parameters
            hidden = np.maximum(xb @ w1.T + b1, 0)
            d = (np.exp(_log_softmax(hidden @ w2.T + b2)) - np.eye(10)[yb]) / len(yb)
            back = d @ w2 * (hidden > 0)
            gradients = [back.T @ xb, back.sum(axis=0), d.T @ hidden, d.sum(axis=0)]
            velocities = [0.9 * v + g for v, g in zip(velocities, gradients, strict=True)]
            parameters = [p - 0.05 * 0.93**epoch * v for p, v in zip(parameters, velocities, strict=True)]
    w1, b1, w2, b2 = parameters
    return np.argmax(np.maximum(held_out @ w1.T + b1, 0) @ w2.T + b2, axis=1)
