"""Proves the splice: answers cut after every byte, taken up in every way, read strictly."""
