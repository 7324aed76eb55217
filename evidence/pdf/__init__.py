"""The report for people: its model, its pages, its seal.

`document` is what the app fills in, `render` makes it a PDF with an empty place for a signature,
`seal` signs it there. `byterange` finds that place again, for `seal` and for whoever verifies, and
loads no PDF library.
"""
