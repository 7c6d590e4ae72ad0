"""The sentences that the small checkpoints' references were made of."""

SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "She deposited the money at the bank",
    "Chanting brings love 猫 é",
)
