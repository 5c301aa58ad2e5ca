"""Measurements on a finished run. They import kinject; kinject never imports them."""
