/*
 * validate_types.h
 *	  Reading a single value of a request: conversion and constraints.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_VALIDATE_TYPES_H
#define WAZO_AUTH_VALIDATE_TYPES_H

#include "validate/schema_registry.h"
#include "validate/validate_error.h"

extern bool validate_scalar(const ValueRules *rules, const JsonbValue *in,
							JsonbValue *out, ErrorNode *errors);
extern void validate_length(const ValueRules *rules, int64 length,
							ErrorNode *errors);

#endif							/* WAZO_AUTH_VALIDATE_TYPES_H */
