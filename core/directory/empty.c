typedef int lintel_directory_empty;
