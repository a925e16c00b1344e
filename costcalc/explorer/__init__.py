"""The explorer: one HTML file that shows where the cost of networks goes, and moves with their knobs.

`knobs` says what can be moved, `forms` counts each structure at all places of the sliders at once, of `kinds` of rows,
with `numbers` said once; `blocks` folds rows to boxes and `layout` gives these their places; `pages` puts all together,
and `assemble` into a file with the modules in `page/` (JavaScript, CSS), which read the data as `page/types.js` says. A
thing that a page is to show is a field there, and is written in the module of its part.
"""
