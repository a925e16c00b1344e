"""OpenVINO's IR: `read` is the door, `file` the XML and its weights; `importer` reads layer by layer, by `layers`."""
