"""The generated pool with known truth, and simulated people, judges and attributes. Only jobs and flow import it."""
