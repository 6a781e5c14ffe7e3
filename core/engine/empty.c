typedef int lintel_engine_empty;
