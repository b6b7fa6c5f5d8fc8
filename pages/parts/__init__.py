"""What several pages share: the scope bar, the frame of a chart, the states a page may be in."""
