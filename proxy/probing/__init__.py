"""Hand-made packets that show how a broker de-duplicates."""
