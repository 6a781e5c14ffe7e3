noinst_LIBRARIES += $(LIBTRUST)
core_trust_libtrust_a_SOURCES = core/trust/hubkey.c core/trust/hubkey.h \
	core/trust/rights.c core/trust/rights.h \
	core/trust/secret.c core/trust/secret.h

if HAVE_CUNIT
trust_tests = core/trust/hubkey_test core/trust/rights_test core/trust/secret_test
check_PROGRAMS += $(trust_tests)
TESTS += $(trust_tests)
core_trust_hubkey_test_SOURCES = core/trust/hubkey_test.c
core_trust_hubkey_test_LDADD = $(KIT_LIBS) $(TRUST_LIBS)
core_trust_rights_test_SOURCES = core/trust/rights_test.c
core_trust_rights_test_LDADD = $(KIT_LIBS) $(TRUST_LIBS)
core_trust_secret_test_SOURCES = core/trust/secret_test.c
core_trust_secret_test_LDADD = $(KIT_LIBS) $(TRUST_LIBS)
endif
