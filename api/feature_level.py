"""How much this version of the API can do: a number that only rises, once for each addition."""

# docs/feature_levels.md says what each level has added.
FEATURE_LEVEL = 2
