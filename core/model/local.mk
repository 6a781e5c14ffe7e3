noinst_LIBRARIES += $(LIBMODEL)
core_model_libmodel_a_SOURCES = core/model/empty.c
