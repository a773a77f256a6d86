//! All panes at all sizes, with hostile text and with nothing known.
