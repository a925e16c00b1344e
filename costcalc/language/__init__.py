"""The spec language: text -> document, and a document -> text.

Imports `operators` and what lies below. A new key of the language is read in `values`, `items` or `reader`, and
written in `writing`; a new function of expressions is a line in `evaluate`, its name one in
`operators.fields`.
"""
