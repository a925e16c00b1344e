"""The spec language: text -> document, and a document -> text.

Imports `operators` and what lies below. A new section is read in `reader`, a new key of an item in `items`, what
stands beside the layers in `annotations`; it is written in `writing`. A new function of expressions is a line in
`evaluate`, its name one in `operators.fields`.
"""
