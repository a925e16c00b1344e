"""Files of weights against a spec: `files` reads names, shapes and types, `compare` says which layer has which."""
