"""Cut-outs over HTTP, and a page to make them with: needs the extra [serve]."""
