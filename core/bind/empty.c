typedef int lintel_bind_empty;
