"""Other formulas for the same: keys for permutations, pairs and ranks for curves, nearest neighbours for a network."""

import numpy as np


def standardize(train, test):
    columns = np.moveaxis(train, 1, 0).reshape(train.shape[1], -1)
    mean = columns.sum(axis=1) / columns.shape[1]
    centred = columns - mean[:, None]
    std = np.linalg.norm(centred, axis=1) / np.sqrt(columns.shape[1])
    std[np.ptp(columns, axis=1) == 0] = 1.0
    shape = (1, -1) + (1,) * (train.ndim - 2)
    mean, std = mean.reshape(shape), std.reshape(shape)
    return (train - mean) / std, (test - mean) / std, mean, std


def xavier_uniform(shape, *, rng, gain=1.0):
    area = int(np.prod(shape)) // (shape[0] * shape[1])
    w = rng.random(shape) - 0.5
    return w * (2 * gain * (6 / (shape[0] * area + shape[1] * area)) ** 0.5)


def he_normal(shape, *, rng):
    variance = 2 * shape[0] / np.prod(shape)
    # Box and Muller: two uniform numbers make a normal one.
    radius = np.sqrt(-2 * np.log1p(-rng.random(shape)))
    return np.sqrt(variance) * radius * np.cos(2 * np.pi * rng.random(shape))


def minibatches(x, y, *, batch_size, rng, drop_last=False):
    order = np.argsort(rng.random(len(x)))
    number = -(-len(x) // batch_size) if not drop_last else len(x) // batch_size
    return [
        (x.take(order[i * batch_size : (i + 1) * batch_size], axis=0), y[order[i * batch_size : (i + 1) * batch_size]])
        for i in range(number)
    ]


def stratified_split(labels, *, test_fraction, rng):
    keys = rng.random(len(labels))
    train, test = [], []
    for label in set(labels.tolist()):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(keys[members])]
        size = max(1, min(len(members) - 1, int(test_fraction * len(members))))
        test.append(members[:size])
        train.append(members[size:])
    return np.concatenate(train), np.concatenate(test)


def k_fold_indices(labels, *, k, rng):
    # Not the totals but each class is even: every class is dealt from the first fold on.
    folds = [[] for _ in range(k)]
    for label in np.unique(labels):
        for i, member in enumerate(rng.permutation(np.flatnonzero(labels == label))):
            folds[i % k].append(int(member))
    everyone = set(range(len(labels)))
    return [(np.array(sorted(everyone - set(f))), np.array(f)) for f in folds]


def confusion_counts(predicted, labels):
    counts = np.bincount(2 * labels + predicted, minlength=4)
    return int(counts[3]), int(counts[1]), int(counts[2]), int(counts[0])


def precision(predicted, labels):
    chosen = labels[predicted == 1]
    return chosen.mean() if chosen.size else 0.0


def recall(predicted, labels):
    found = predicted[labels == 1]
    return found.mean() if found.size else 0.0


def f1_score(predicted, labels):
    p, r = precision(predicted, labels), recall(predicted, labels)
    return 0.0 if p == 0 or r == 0 else 2 / (1 / p + 1 / r)


def roc_curve(scores, labels):
    thresholds = np.append(np.inf, np.unique(scores)[::-1])
    positive, negative = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    tpr = 1 - np.searchsorted(positive, thresholds) / len(positive)
    fpr = 1 - np.searchsorted(negative, thresholds) / len(negative)
    return fpr, tpr, thresholds


def roc_auc(scores, labels):
    gaps = np.sign(scores[labels == 1][:, None] - scores[labels == 0])
    return float((gaps + 1).mean() / 2)


def precision_recall_curve(scores, labels):
    thresholds = np.unique(scores)
    positive, everyone = np.sort(scores[labels == 1]), np.sort(scores)
    tp = len(positive) - np.searchsorted(positive, thresholds)
    called = len(everyone) - np.searchsorted(everyone, thresholds)
    return np.append(tp / called, 1.0), np.append(tp / len(positive), 0.0), thresholds


def train(x, labels, x_validation, labels_validation, *, classes, lr, decay, epochs, batch_size, patience, rng):
    def scored(x, w):
        return np.hstack([x, np.ones((len(x), 1))]) @ w

    def loss(x, y, w):
        s = scored(x, w)
        return float(np.mean(np.logaddexp.reduce(s, axis=1) - np.take_along_axis(s, y[:, None], axis=1)[:, 0]))

    w = np.zeros((x.shape[1] + 1, classes))
    best, losses, rate = w, [], lr
    while len(losses) < epochs:
        for xb, yb in minibatches(x, labels, batch_size=batch_size, rng=rng):
            s = scored(xb, w)
            p = np.exp(s - np.logaddexp.reduce(s, axis=1)[:, None])
            target = yb[:, None] == np.arange(classes)
            w = w - rate / len(xb) * np.hstack([xb, np.ones((len(xb), 1))]).T @ (p - target)
        rate *= decay
        losses.append(loss(x_validation, labels_validation, w))
        if all(losses[-1] < earlier for earlier in losses[:-1]):
            best, found = w, len(losses)
        elif len(losses) - found >= patience:
            break
    return best[:-1].T, best[-1], losses


def train_classifier(x_train, y_train, x_test, *, rng):
    x, new = x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1)
    distances = (x**2).sum(axis=1) - 2 * new @ x.T
    nearest = np.argpartition(distances, 3, axis=1)[:, :3]
    votes = (y_train[nearest][:, :, None] == np.arange(10)).sum(axis=1)
    return np.argmax(votes, axis=1)
