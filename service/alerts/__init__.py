"""What a clinic's staff must hear of at once: written down with what caused it, sent by email until it went."""
