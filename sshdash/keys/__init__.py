"""Identities: private keys on disk and the agent that holds others."""
