"""The spec language: text -> document, and a document -> text.

Imports `operators` and what lies below. A new section is read in `reader`, a new key of an item in `items`, what
others say of the network in `published_figures`; `yaml_text` writes it. A new function of expressions is a line in
`arithmetic`, its name one in `operators.fields`.
"""
