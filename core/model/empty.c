typedef int lintel_model_empty;
