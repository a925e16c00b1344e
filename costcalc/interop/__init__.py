"""Other frameworks, both ways, a folder a format. All optional: a framework is imported in the functions that need it.

Imports `costs` and what lies below. What importers share: `language.flat` (the flat network that becomes a spec),
`words` (what others call our operators), `options` (declared sections), `tensors/` (graphs of tensors, batch included),
`guard` (what goes wrong at a node), `blocks/` (repeated structure found again).
"""
