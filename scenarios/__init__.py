"""The scenario files that ship with ackdrop, as package data."""
