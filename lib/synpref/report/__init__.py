"""What a run tells people: summary, console text and one self-contained page."""
