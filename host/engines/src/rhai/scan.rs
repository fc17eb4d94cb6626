//! Which properties a script names, by its syntax tree: texts and comments are not taken for code.

use super::fault::at;
use integrator_core::model::property::{PROPERTIES, Property};
use rhai::{AST, ASTNode, Expr, Position};
use std::collections::BTreeSet;

/// A name of a device's property that Graph does not have.
#[derive(Debug)]
pub(super) struct Unknown {
    /// What is wrong, with the place.
    pub(super) message: String,
    /// The way out.
    pub(super) hint: String,
}

/// What a syntax tree names.
#[derive(Debug, Default)]
pub(super) struct Named {
    properties: BTreeSet<&'static str>,
    /// Settings, by the texts that `setting` is called with.
    pub(super) settings: BTreeSet<String>,
    unknown: Option<Unknown>,
}

/// Which variables are what in a tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables<'a> {
    /// Names of the device.
    pub(super) device: &'a [&'a str],
    /// Names of what has properties of its own.
    pub(super) others: &'a [&'a str],
}

impl Named {
    /// Adds what a tree names.
    pub(super) fn add(&mut self, ast: &AST, variables: Variables<'_>) {
        ast.walk(&mut |path: &[ASTNode<'_>]| {
            if let Some(ASTNode::Expr(expression)) = path.last() {
                self.expression(expression, variables);
            }
            true
        });
    }

    /// The properties in the order of the core's list, or the first name that is unknown.
    pub(super) fn properties(&self) -> Vec<&'static Property> {
        PROPERTIES.iter().filter(|property| self.properties.contains(property.name)).collect()
    }

    pub(super) fn into_unknown(self) -> Option<Unknown> {
        self.unknown
    }

    pub(super) fn has_unknown(&self) -> bool {
        self.unknown.is_some()
    }

    fn expression(&mut self, expression: &Expr, variables: Variables<'_>) {
        match expression {
            Expr::Dot(..) | Expr::Index(..) => {
                let mut chain = Vec::new();
                flatten(expression, &mut chain);
                self.chain(&chain, variables);
            }
            Expr::FnCall(called, _) if matches!(called.name.as_str(), "setting" | "settings") => {
                if let Some(Expr::StringConstant(name, _)) = called.args.first() {
                    self.settings.insert(name.split('.').next().unwrap_or_default().to_owned());
                }
            }
            _ => {}
        }
    }

    fn chain(&mut self, chain: &[Link<'_>], variables: Variables<'_>) {
        let (Some(base), Some(Link::Name(name, position))) = (chain.first(), chain.get(1)) else { return };
        let is_device = match base {
            Link::Variable(base) if variables.others.contains(base) => return,
            Link::Variable("settings") => {
                self.settings.insert((*name).to_owned());
                return;
            }
            Link::Variable(base) => variables.device.contains(base),
            _ => false,
        };
        if let Some(property) = exact(name) {
            self.properties.insert(property.name);
            return;
        }
        let nested = || PROPERTIES.iter().filter(|property| group(property) == Some(*name));
        if nested().next().is_some() {
            match chain.get(2) {
                Some(Link::Name(inner, position)) => {
                    let whole = format!("{name}.{inner}");
                    match exact(&whole) {
                        Some(property) => {
                            self.properties.insert(property.name);
                        }
                        None if is_device => self.refuse(&whole, *position),
                        None => {}
                    }
                }
                _ => self.properties.extend(nested().map(|property| property.name)),
            }
        } else if is_device {
            self.refuse(name, *position);
        }
    }

    fn refuse(&mut self, name: &str, position: Position) {
        let (message, hint) = unknown(name);
        self.unknown.get_or_insert(Unknown { message: format!("{message}{}", at(position)), hint });
    }
}

/// The property of exactly that name.
pub(super) fn exact(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name == name)
}

/// The part of a nested property's name before its dot.
pub(super) fn group(property: &'static Property) -> Option<&'static str> {
    property.name.split_once('.').map(|(group, _)| group)
}

/// What to say of a name that Graph does not have, and the way out.
pub(super) fn unknown(name: &str) -> (String, String) {
    let message = format!("Microsoft Graph's devices have no property `{}`", super::call::shown(name));
    let hint = crate::names::did_you_mean(name, PROPERTIES.iter().map(|property| property.name))
        .unwrap_or_else(|| "name a property of Graph's managedDevice (v1.0)".to_owned());
    (message, hint)
}

enum Link<'a> {
    Variable(&'a str),
    Name(&'a str, Position),
    Other,
}

/// A chain of dots and indexes, from its base on; rhai nests them to the right.
fn flatten<'a>(expression: &'a Expr, chain: &mut Vec<Link<'a>>) {
    match expression {
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => {
            flatten(&parts.lhs, chain);
            flatten(&parts.rhs, chain);
        }
        Expr::Variable(variable, ..) => chain.push(Link::Variable(variable.1.as_str())),
        Expr::Property(property, position) => chain.push(Link::Name(property.2.as_str(), *position)),
        Expr::StringConstant(text, position) => chain.push(Link::Name(text.as_str(), *position)),
        _ => chain.push(Link::Other),
    }
}
