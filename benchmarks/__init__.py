"""The measurements behind the figures in the README: data, scoring, peers and the table that compares them."""
