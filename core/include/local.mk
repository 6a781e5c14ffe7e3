lintelincludedir = $(includedir)/lintel
lintelextincludedir = $(includedir)/lintel/ext
lintelinclude_HEADERS = core/include/lintel/kit.h core/include/lintel/plugin.h core/include/lintel/transport.h
lintelextinclude_HEADERS = core/include/lintel/ext/loop.h core/include/lintel/ext/given.h \
	core/include/lintel/ext/plan.h core/include/lintel/ext/resources.h core/include/lintel/ext/wire.h
