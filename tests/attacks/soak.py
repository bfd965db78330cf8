def main(a, b):
    return 0
