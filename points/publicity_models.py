"""Tables of publicity: adjustments, bulletins, objections, recusals."""
