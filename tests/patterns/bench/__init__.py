"""The patterns' benchmark: that it measures what it says, and that its proofs notice what is wrong."""
