"""Training the tokenizer: data, tasks, losses and the loop."""
