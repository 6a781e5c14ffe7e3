typedef int lintel_serve_empty;
