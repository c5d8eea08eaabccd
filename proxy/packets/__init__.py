"""Kafka as scapy's packets: looked at and made by hand, never on the data path.

This is the only room that imports scapy, and whoever needs it imports it late: it takes a third of a second.
"""
