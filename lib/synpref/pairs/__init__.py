"""What a comparison is: identity, normalisation, readers per public format, exports."""
