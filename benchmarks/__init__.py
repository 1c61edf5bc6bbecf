"""Side by side with floors and peers, one command each; figures go to RESULTS.md."""
