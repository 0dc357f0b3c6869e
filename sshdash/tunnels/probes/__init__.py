"""Whether targets are well."""
