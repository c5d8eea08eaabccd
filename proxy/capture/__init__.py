"""What passed the proxy, as a pcapng file: written beside the relay, and read again."""
