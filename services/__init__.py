"""The HTTP service over a finished run. Imports kinject; nothing in kinject imports it but the CLI, lazily."""
