typedef int lintel_plug_empty;
