"""What members do; each life cycle ends in a claim or a credit."""
