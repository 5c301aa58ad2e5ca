"""How mini is made: procedural worlds, lessons drawn from them, the tokenizer, pretraining and the exam."""
