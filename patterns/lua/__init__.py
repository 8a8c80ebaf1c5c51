"""The scripts: one file per transition, whose header lists KEYS, ARGV and the reply. Nothing is imported from here."""
