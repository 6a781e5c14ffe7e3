typedef int lintel_loop_empty;
