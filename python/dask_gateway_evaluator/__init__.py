"""Evaluates configuration files for the gateway, and stays for the option handlers in them."""
