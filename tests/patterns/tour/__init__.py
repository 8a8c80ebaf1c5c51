"""The tour: every chapter on miniredis and on a real Redis, its figures, its words, its command line."""
