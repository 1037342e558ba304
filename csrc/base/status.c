#include "penchant/status.h"

#define SENTENCE(name, value, sentence, repair) case name: return sentence;
#define REPAIR(name, value, sentence, repair) case name: return repair;
#define NAME(name, value, sentence, repair) case name: return #name;

const char *pn_status_sentence(pn_status status)
{
    switch (status) { PN_STATUS_TABLE(SENTENCE) }
    return "unknown status";
}

const char *pn_status_repair(pn_status status)
{
    switch (status) { PN_STATUS_TABLE(REPAIR) }
    return "";
}

const char *pn_status_name(pn_status status)
{
    switch (status) { PN_STATUS_TABLE(NAME) }
    return "PN_?";
}
