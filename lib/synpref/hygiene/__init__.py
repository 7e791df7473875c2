"""What keeps the pool honest: duplicates, conflicts, noise on purpose, decontamination; source labels come out."""
